from .clip_text import CLIPTextEncoder as CLIPTextEncoder
from .huggingface import HuggingFaceVisionEncoder as HuggingFaceVisionEncoder
from .pixels import PixelEncoder as PixelEncoder
from .preprocessing import Preprocessing as Preprocessing
from .protocols import TextEncoder as TextEncoder
from .protocols import VisionEncoder as VisionEncoder
from .registry import (
    check_not_retired as check_not_retired,
)
from .registry import (
    load_text_encoder as load_text_encoder,
)
from .registry import (
    load_vision_encoder as load_vision_encoder,
)
from .registry import (
    vision_encoder_from_dict as vision_encoder_from_dict,
)
from .sentence import SentenceEncoder as SentenceEncoder
from .sentence import minilm as minilm
from .texts import encode_classes as encode_classes
