"""Budgets: what limits a project has, where they are written, and what is judged against them.

Nothing here talks to an engine: ctxsize.budget.check measures, this package reads limits and judges sizes.
"""
