"""Equations as typed text: read without evaluating it, differentiated exactly, checked, and written again."""
