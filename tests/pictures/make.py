"""Makes the pictures beside it, and expected.json: what Pillow makes of them as torchvision's Resize(18) and CenterCrop(16) would.

python3 tests/pictures/make.py (Pillow 13.0.0)
"""
import base64, json, pathlib, random
from PIL import Image

HERE = pathlib.Path(__file__).parent
RESIZE, SIDE = 18, 16


def noise(mode, width, height, seed):
    random.seed(seed)
    bands = len(Image.new(mode, (1, 1)).getbands())
    steps = lambda x, y, band: (7 * x + 5 * y * (band + 1) + random.randrange(90)) % 256
    values = [steps(x, y, band) for y in range(height) for x in range(width) for band in range(bands)]
    return Image.frombytes(mode, (width, height), bytes(values))


def prepared(file):
    picture = Image.open(file).convert("RGB")
    width, height = picture.size
    longer = int(RESIZE * max(width, height) / min(width, height))
    picture = picture.resize((RESIZE, longer) if width <= height else (longer, RESIZE), Image.BILINEAR)
    width, height = picture.size
    top, left = int(round((height - SIDE) / 2.0)), int(round((width - SIDE) / 2.0))
    return picture.crop((left, top, left + SIDE, top + SIDE))


pictures = {
    "high.png": noise("RGB", 37, 53, 1),
    "wide-alpha.png": noise("RGBA", 64, 41, 2),
    "grey.png": noise("L", 90, 30, 3),
    "small.png": noise("RGB", 9, 7, 4),
    "same.png": noise("RGB", 18, 21, 5),
    "photo.jpg": Image.linear_gradient("L").resize((60, 44)).convert("RGB"),
}
expected = {}
for name, picture in pictures.items():
    picture.save(HERE / name, **({"quality": 90} if name.endswith("jpg") else {}))
    expected[name] = base64.b64encode(prepared(HERE / name).tobytes()).decode()
(HERE / "expected.json").write_text(json.dumps({"resize": RESIZE, "side": SIDE, "pictures": expected}, indent=1) + "\n")
