"""What belongs to self-similar blow-up alone: the funnel, certificates, reconstruction in physical time."""
