"""Work shared out among several workers: processes of this machine, or (`restorect.ray.actors`) of a cluster."""
