"""Published numbers, recomputed: by the designs where they count something, by their sizes where they weigh."""
