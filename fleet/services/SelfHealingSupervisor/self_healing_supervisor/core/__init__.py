"""The decision core: (what is seen, what is remembered, now) -> (what is remembered, what to do). Pure, no I/O."""
