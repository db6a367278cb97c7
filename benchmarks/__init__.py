"""Speed and memory beside other libraries, each answer checked before it is timed: `python -m benchmarks.run`."""
