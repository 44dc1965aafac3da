"""Item models: frames as rows and columns. No widget, no rule of the kernel, nothing submitted."""
