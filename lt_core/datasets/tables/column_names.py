"""What columns of published tables are called: image, patient, part, labels, and what is no finding."""

from __future__ import annotations

# Names as they are compared: lower case, letters and digits only; the first that occurs wins.
IMAGE = (
    "imageindex", "image", "imageid", "imagename", "imagefile", "imagefilename", "filename", "file", "imagepath",
    "filepath", "path", "img", "imgid", "imgname", "imgpath", "isicid", "dicomid", "dicom", "id", "uid", "name",
)  # fmt: skip
PATIENT = (
    "patientid", "patient", "subjectid", "subject", "caseid", "case", "lesionid", "lesion", "groupid", "group",
    "subjid",
)  # fmt: skip
SPLIT = ("split", "set", "subset", "part", "partition", "fold", "usage", "dataset", "splitname", "datasettype")
LABEL = (
    "findinglabels", "findinglabel", "findings", "finding", "labels", "label", "labelname", "dx", "diagnosis",
    "diagnoses", "class", "classes", "classname", "classid", "category", "categories", "target", "targets", "tags",
    "pathology", "pathologies", "disease", "diseases", "condition",
)  # fmt: skip
LABEL_IF_NO_OTHER = (
    "level", "grade", "diagnostic", "diseaselabel", "lesiontype", "findingcategories", "findingcategory",
    "retinopathygrade", "drgrade", "adjudicateddrgrade", "attributeids", "problems",
)  # fmt: skip
"""Names of label columns that are looked for where no column has one of ``LABEL``."""
SAYS_WHETHER = ("label", "labels", "value", "present", "presence", "truth", "target", "positive", "ytrue", "y", "gt")
"""Names of a column of 0 and 1 that says of another column's class whether it is there."""
PARTS_CALLED = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validate": "val", "validation": "val",
    "dev": "val", "development": "val", "test": "test", "testing": "test", "": "",
}  # fmt: skip
# A column of 0 and 1 whose name has one of these words describes the patient or the picture, not a finding.
NOT_A_FINDING = (
    "age", "sex", "gender", "male", "female", "follow", "view", "width", "height", "spacing", "index", "id", "patient",
    "date", "time", "offset", "survival", "weight", "fold", "split", "unnamed", "column", "row", "number", "count",
    "reader", "rater", "hospital", "site", "scanner", "smoker", "race", "ethnicity", "xmin", "ymin", "xmax", "ymax",
    "bbox", "interpreter", "deceased", "insurance", "insulin", "insuline", "smoke", "smoking", "drink", "alcohol",
    "pesticide", "treatment", "educational", "quality", "illumination", "focus", "artifact", "artifacts", "gradable",
    "narrative", "biopsy", "biopsed", "pcr", "intubated", "machine", "birads",
)  # fmt: skip
