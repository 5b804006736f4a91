"""Measurements that anybody can repeat (benchmarks/README.md). A test never asserts a time; these print them."""
