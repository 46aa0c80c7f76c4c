"""What outlives the process: events, transitions and start-up reports in SQLite, SBOMs as files."""
