"""A task whose queries fuse a text with a picture."""

from tests.fake_encoder import image
from unite.types import Content, Modality

NUM = 12


def fused(make_task, weight_of_image):
    """Queries of a text and a picture; the right candidate is near either to the text alone or to the picture alone."""
    queries = [Content(text=f"{Modality.IMAGE.place} word {at * 7919 % 1000}", media=(image(at),)) for at in range(NUM)]
    texts = [f"{Modality.IMAGE.place} word {at * 7919 % 1000}" for at in range(NUM)]
    candidates = [Content(text=text, media=(image(at if weight_of_image else 128),)) for at, text in enumerate(texts)]
    modality = Modality.TEXT | Modality.IMAGE
    return make_task(NUM, name="it2it", queries=queries, candidates=candidates, query_modality=modality, candidate_modality=modality)
