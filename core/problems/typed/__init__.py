"""From a typed system to what a problem needs: how its conditions are met, its rows, their sizes."""
