"""Sweeps: many runs of one command that survive what happens to one of them.

    command, values -> jobs -> all checked -> N processes at a time -> table -> report          a sweep
                                  record (sweep.json) -> what is left -> the same               resume=true

A job is a single run (`python -m unite.train ...`) with a folder of its own in the sweep's, so whatever a single run can do, a job can:
it resumes exactly, and its command may be given by hand.

naming       what differs between jobs, and folders named by it
record       the jobs of a sweep, what becomes of them, and what may not change between two calls
processes    runs commands as processes, some at a time
lifeline     a job ends when its launcher is gone
table        what is shown at the end

Hydra learns of them by `unite.build.sweep`.
"""
