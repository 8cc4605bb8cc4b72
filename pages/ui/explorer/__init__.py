"""The live explorer: curves that follow the thumb. JavaScript draws, Python says what and keeps what was set."""
