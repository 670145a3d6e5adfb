"""What the tests of the batch share: the format `fake`, in this process too."""

import batch_fakes

batch_fakes.install()
