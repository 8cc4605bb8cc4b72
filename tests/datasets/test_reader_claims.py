"""Every published layout is claimed by its own reader, and by no other of the published ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from lt_core.datasets import Source, load
from lt_core.datasets.readers import all_readers, recognise
from lt_core.problems import Problem

CHEXPERT = (
    "No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,Lung Lesion,Edema,Consolidation,Pneumonia,"
    "Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,Support Devices"
)
MIMIC = (
    "Atelectasis,Cardiomegaly,Consolidation,Edema,Enlarged Cardiomediastinum,Fracture,Lung Lesion,Lung Opacity,"
    "No Finding,Pleural Effusion,Pleural Other,Pneumonia,Pneumothorax,Support Devices"
)
CXR_LT = MIMIC + ",Hernia,Tortuous Aorta,Calcification of the Aorta,Pneumoperitoneum"
VINDR = (
    "Aortic enlargement,Atelectasis,Calcification,Cardiomegaly,Consolidation,ILD,Nodule/Mass,Pleural effusion,COPD,"
    "Pneumonia,Other disease,No finding"
)
ZEROS = ",0" * 13
LAYOUTS = {
    "Data_Entry_2017.csv": ("nih", 'Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,'
                            'View Position,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],\n'
                            '00000001_000.png,Mass|Edema,0,1,058Y,M,PA,2682,2749,0.143,0.143,\n'),
    "BBox_List_2017.csv": ("nih", "Image Index,Finding Label,Bbox [x,y,w,h],,,\n00000001_000.png,Mass,1,2,3,4\n"),
    "chexpert_train.csv": ("chexpert", f"Path,Sex,Age,Frontal/Lateral,AP/PA,{CHEXPERT}\n"
                           f"CheXpert-v1.0-small/train/patient00001/study1/v1.jpg,F,68,Frontal,AP,1.0{ZEROS}\n"),
    "chexpert_test.csv": ("chexpert", f"Path,{CHEXPERT}\ntest/patient64741/study1/view1_frontal.jpg,1{ZEROS}\n"),
    "groundtruth.csv": ("chexpert", f"Study,{CHEXPERT}\nCheXpert-v1.0/test/patient64741/study1,1{ZEROS}\n"),
    "mimic-cxr-2.0.0-chexpert.csv": ("mimic", f"subject_id,study_id,{MIMIC}\n"
                                     f"10000032,50414267,1.0,-1.0,,0.0{',' * 10}\n"),
    "cxr_lt_train.csv": ("cxr_lt", f"dicom_id,subject_id,study_id,ViewPosition,fpath,{CXR_LT}\n"
                         f"a-b,10000032,50414267,PA,files/p10/a-b.jpg,1{ZEROS},0,0,0,0\n"),
    "nih-cxr-lt.csv": ("cxr_lt", f"id,{CXR_LT},subj_id\n00000001_000.png,1{ZEROS},0,0,0,0,1\n"),
    "PADCHEST.csv": ("padchest", ",ImageID,ImageDir,StudyID,PatientID,PatientBirth,PatientSex_DICOM,Projection,Labels\n"
                     "0,a.png,0,7,9,1950,M,PA,\"['normal', 'cardiomegaly']\"\n"),
    "vindr_train.csv": ("vindr", "image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max\na,Mass,3,R9,1,2,3,4\n"),
    "annotations_test.csv": ("vindr", "image_id,class_name,x_min,y_min,x_max,y_max\na,Mass,1,2,3,4\n"),
    "image_labels_train.csv": ("vindr", f"image_id,rad_id,{VINDR}\na,R1,1{',0' * 11}\n"),
    "image_labels_test.csv": ("vindr", f"image_id,{VINDR}\na,1{',0' * 11}\n"),
    "stage_2_train_labels.csv": ("rsna", "patientId,x,y,width,height,Target\na,,,,,0\n"),
    "stage_2_detailed_class_info.csv": ("rsna", "patientId,class\na,No Lung Opacity / Not Normal\n"),
    "stage_2_train.csv": ("rsna", "ID,Label\nID_12cadc6af_epidural,0\nID_12cadc6af_any,1\n"),
}  # fmt: skip
OURS = {"nih", "chexpert", "mimic", "cxr_lt", "padchest", "vindr", "rsna"}
OTHERS = {
    "isic_2018.csv": "image,MEL,NV,BCC,AKIEC,BKL,DF,VASC\nISIC_0024306,0.0,1.0,0.0,0.0,0.0,0.0,0.0\n",
    "isic_2019.csv": "image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK\nISIC_0000000,0,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0\n",
    "HAM10000_metadata.csv": "lesion_id,image_id,dx,dx_type,age,sex,localization\nH_1,ISIC_1,bkl,histo,80,male,back\n",
    "odir.csv": "ID,Patient Age,Patient Sex,Left-Fundus,Right-Fundus,Left-Diagnostic Keywords,"
    "Right-Diagnostic Keywords,N,D,G,C,A,H,M,O\n0,69,Female,0_l.jpg,0_r.jpg,cataract,normal,0,0,0,1,0,0,0,0\n",
    "generic.csv": "image,Cardiomegaly,Edema,Pneumonia\na.png,1,0,0\nb.png,0,1,1\n",
    "predictions.csv": "Image Index,prob_Mass,prob_Edema\n00000001_000.png,0.1,0.2\n",
    "split.csv": "dicom_id,study_id,subject_id,split\na,50414267,10000032,train\n",
    "metadata.csv": "dicom_id,subject_id,study_id,ViewPosition,Rows,Columns\na,10000032,50414267,PA,3056,2544\n",
    "ids.csv": "ID,Label\na,0\nb,1\n",
    "classes.csv": "patientId,class\na,benign\nb,malignant\n",
    "paths.csv": "Path,Cardiomegaly,Edema,Pneumonia,Fracture,Atelectasis\na.png,1,0,0,0,1\n",
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_claimed_by_its_reader_alone(tmp_path: Path, name: str) -> None:
    key, text = LAYOUTS[name]
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    claims = {reader.key: reason for reader in all_readers() if reader.priority > 0 and (reason := reader.sniff(path))}
    assert set(claims) == {key}
    found = recognise(path)
    assert found is not None
    assert found[0].key == key
    assert "header" in found[1]


@pytest.mark.parametrize("name", OTHERS)
def test_other_tables_are_left_to_others(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(OTHERS[name], encoding="utf-8")
    assert not {reader.key for reader in all_readers() if reader.key in OURS and reader.sniff(path)}


def test_letter_case_marks_and_line_ends_do_not_hide_a_layout(tmp_path: Path) -> None:
    for name, (key, text) in LAYOUTS.items():
        head, rest = text.split("\n", 1)
        path = tmp_path / name
        path.write_bytes(b"\xef\xbb\xbf" + (head + "\n" + rest).replace("\n", "\r\n").encode())
        found = recognise(path)
        assert found is not None
        assert found[0].key == key


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n", b"\xff\xfe\x00", b"a"])
def test_what_is_no_table_is_not_claimed(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    assert not {reader.key for reader in all_readers() if reader.key in OURS and reader.sniff(path)}
    assert not {reader.key for reader in all_readers() if reader.key in OURS and reader.sniff(tmp_path)}


@pytest.mark.parametrize("key", sorted(OURS))
def test_a_reader_that_is_asked_for_reads_or_refuses_in_one_sentence(tmp_path: Path, key: str) -> None:
    texts = OTHERS | {name: text for name, (_, text) in LAYOUTS.items()}
    for name, text in texts.items():
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        refusal = ""
        try:
            assert len(load(Source(str(path), reader=key))) > 0  # type: ignore[arg-type]
        except Problem as problem:
            refusal = str(problem)
        assert "\n" not in refusal
        assert not refusal or LAYOUTS.get(name, ("", ""))[0] != key, "a reader reads its own layouts"
        path.unlink()
    with pytest.raises(Problem):
        load(Source(str(tmp_path), reader=key))
