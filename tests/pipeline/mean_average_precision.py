"""Mean average precision written from its definition, apart from any other: what a user's own is held against.

Everingham et al., "The PASCAL Visual Object Classes Challenge: A Retrospective" (IJCV 111, 2015), section 4.2: of each
class detections are ranked by score; each is right where it overlaps an object of its class that no better one took by
at least the given share; the average precision is the area under precision, made to fall, over recall.
"""

from fractions import Fraction


def mean_average_precision(found, objects, *, overlap):
    """Of detections x0, y0, x1, y1, class, score and objects x0, y0, x1, y1, class; class -1 is a row without one."""
    kinds = sorted({int(row[4]) for image in objects for row in image if row[4] >= 0})
    return float(sum(_average(found, objects, kind, overlap) for kind in kinds) / len(kinds))


def _average(found, objects, kind, overlap):
    ranked = [(float(row[5]), image, row) for image, rows in enumerate(found) for row in rows if int(row[4]) == kind]
    ranked.sort(key=lambda one: one[0], reverse=True)
    wanted = {
        (image, at): row for image, rows in enumerate(objects) for at, row in enumerate(rows) if int(row[4]) == kind
    }
    free, curve, right = dict(wanted), [], 0
    for rank, (_, image, row) in enumerate(ranked, start=1):
        overlaps = {place: _iou(row, other) for place, other in wanted.items() if place[0] == image}
        best = max(overlaps, key=overlaps.get, default=None)
        if best is not None and overlaps[best] >= overlap and best in free:
            del free[best]
            right += 1
        curve.append((Fraction(right, len(wanted)), Fraction(right, rank)))
    area, before = Fraction(0), Fraction(0)
    for at, (recall, _) in enumerate(curve):
        if recall > before:
            area += (recall - before) * max(precision for _, precision in curve[at:])
            before = recall
    return area


def _iou(one, other):
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return float(width * height / (areas - width * height))
