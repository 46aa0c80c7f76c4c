"""What is wrong with a fleet before anything is built.

    facts       everything that rules look at, read once
    registry    the rules: one module each in rules/
    frozen      the blueprint as signed off, and what differs from it
    ticket      change-control records
    run         read, apply every rule, sort

Every rule is a function from facts to findings; none prints, none reads the clock, none stops at the first.
"""
