"""On Ray: a batch by actors (`restorect restore --executor ray`), and rows of a pipeline of Ray Data."""

from restorect.ray.rows import RestorePhotos as RestorePhotos
