// How large a picture in a PNG or JPEG file is, read from its header, before anything is decoded: a small file can claim to be huge.
// Formats: PNG (RFC 2083, IHDR), JPEG (ITU-T T.81, start of frame).

/** What the header of a picture says. */
export interface PictureSize {
  readonly format: "png" | "jpeg";
  readonly width: number;
  readonly height: number;
}

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** The size of a picture, by content and not by name. @throws Error that says what was found in place of a PNG or JPEG */
export function pictureSize(bytes: Uint8Array): PictureSize {
  const size = PNG.every((byte, index) => bytes[index] === byte) ? pngSize(bytes) : jpegSize(bytes);
  if (size.width < 1 || size.height < 1)
    throw new Error(`expected a picture but found ${size.width} x ${size.height} pixels`);
  return size;
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);

function pngSize(bytes: Uint8Array): PictureSize {
  if (bytes.length < 24) throw new Error(`expected a PNG's header but found ${bytes.length} bytes`);
  return { format: "png", width: viewOf(bytes).getUint32(16), height: viewOf(bytes).getUint32(20) };
}

function jpegSize(bytes: Uint8Array): PictureSize {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) throw new Error("expected a PNG or JPEG file but found another");
  const view = viewOf(bytes);
  for (let at = 2; at + 9 < bytes.length && bytes[at] === 0xff;) {
    const marker = bytes[at + 1];
    if (marker === 0xff)
      at++; // padding
    else if (isFrame(marker)) return { format: "jpeg", height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    else at += 2 + view.getUint16(at + 2);
  }
  throw new Error("expected a JPEG's frame but found none");
}

/** SOF0 to SOF15 without DHT, JPG and DAC. */
const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
