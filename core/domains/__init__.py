"""Domains that an equation can be asked on: plain data, and everything that follows from it."""

from core.domains.boundaries import Corner, corners
from core.domains.combined import Difference, Domain, Intersection, Union, parse_domain
from core.domains.distances import distance, distance_to, factor
from core.domains.inspection import Outline, measure, outline, remarks
from core.domains.local_features import CornerFeatures, HoleFeatures, local_features
from core.domains.points import BoundaryPoints, boundary, interior
from core.domains.shapes import Annulus, Ball, Box, Disk, Ellipse, Polygon, Shape
from core.domains.surfaces import boundary_names

__all__ = [
    "Annulus",
    "Ball",
    "BoundaryPoints",
    "Box",
    "Corner",
    "CornerFeatures",
    "Difference",
    "Disk",
    "Domain",
    "Ellipse",
    "HoleFeatures",
    "Intersection",
    "Outline",
    "Polygon",
    "Shape",
    "Union",
    "boundary",
    "boundary_names",
    "corners",
    "distance",
    "distance_to",
    "factor",
    "interior",
    "local_features",
    "measure",
    "outline",
    "parse_domain",
    "remarks",
]
