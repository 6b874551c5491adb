"""The benchmark behind `make bench`: figures of one run, to be read as ratios against what stands beside them."""
