"""Runs that go on without the page: a queue with slots per device, one dispatcher, one worker process per run."""
