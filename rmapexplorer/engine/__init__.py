"""The engine: timeline, checkpoints, metrics, frames and the thread that drives the worlds. No Qt."""
