"""Would it fit? (what is placed, what is to change, what the machines have) -> an answer with its reasons. Pure."""
