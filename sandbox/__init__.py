"""A real multi-node Slurm cluster on one machine, and the roots that Railhead is compiled in."""
