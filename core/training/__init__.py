import os

# A thread that waits for the others at the end of an operation sleeps instead of spinning. Spinning gains a few percent
# on an idle machine and costs many times the run time on one that a browser, a page or another run also uses. OpenMP
# reads this when torch is loaded, which no module of this package does before it is set.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
