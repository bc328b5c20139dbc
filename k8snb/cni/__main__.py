"""`python -m k8snb.cni bridge`: a plugin as a program, without the rest of the package."""

import sys

from k8snb.cni.linux import main

sys.exit(main(sys.argv[1]))
