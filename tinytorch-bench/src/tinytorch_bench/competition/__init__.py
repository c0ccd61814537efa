"""Competition: three events with fixed tasks, submissions that are recomputed, and a leaderboard.

Read event and task, which say what is asked; running, which measures; scoring, which derives; submission and
validating, which trust nothing; leaderboard and page.
"""
