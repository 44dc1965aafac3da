"""Orders in which a file's or an anon_vma's vmas are kept: list, interval order, prio_tree."""
