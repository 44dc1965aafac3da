"""File formats: sessions and recordings of real programs. No Qt."""
