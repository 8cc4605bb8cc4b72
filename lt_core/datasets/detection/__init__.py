"""Files of object detection (COCO JSON, Pascal VOC XML) as labels of images; boxes are masks."""

from __future__ import annotations
