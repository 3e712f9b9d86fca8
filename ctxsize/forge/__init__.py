"""What a check says where changes are reviewed: one comment that is kept up to date, a badge, a trend.

Everything is made of reports in JSON, which a job of a stranger's fork may have written: they are read as
hostile input, and nothing in them becomes markup.
"""
