"""Equal to the real kernel: recorded kernel traces are replayed step by step and compared, level by level.

A trace says what Linux 6.18 did: after every call the vmas, anon_vmas, chains, trees and page table entries.
Needs no Qt. The design compared is the one that Linux 6.18 has.
"""
