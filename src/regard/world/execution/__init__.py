"""The execution benchmark: given the right intent, does physics end as it should?"""
