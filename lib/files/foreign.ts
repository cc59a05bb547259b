// What lies where a checkpoint was expected, told by its first bytes, and what to do about it.

interface Kind {
  /** Matched against the first bytes, read as Latin-1. */
  readonly begins: RegExp;
  readonly is: string;
}

const UNPACK = "unpack it, and give the file inside";
const KINDS: readonly Kind[] = [
  { begins: /^$/, is: "it is empty: get it again" },
  {
    begins: /^version https:\/\/git-lfs\.github\.com\//,
    is: 'it is a git-lfs pointer and not the file itself: run "git lfs pull" in its repository, or download the file from its page',
  },
  {
    begins: /^(?:\xef\xbb\xbf)?\s*<(?:!doctype|!--|html|head|\?xml)/i,
    is: "it is a web page and not the file itself: download the file by the page's link to the raw one",
  },
  { begins: /^[^ -\xff]\x8b/, is: `it is compressed by gzip: ${UNPACK}` },
  { begins: /^BZh[1-9]/, is: `it is compressed by bzip2: ${UNPACK}` },
  { begins: /^\xfd7zXZ/, is: `it is compressed by xz: ${UNPACK}` },
  { begins: /^(?:7z\xbc\xaf|Rar!)/, is: `it is a compressed archive: ${UNPACK}` },
  { begins: /^[^]{257}ustar/, is: `it is a tar archive: ${UNPACK}` },
  { begins: /^\x89HDF\r\n/, is: "it is HDF5, such as Keras writes; PyTorch's state_dict or safetensors is read here" },
  { begins: /^\x93NUMPY/, is: "it is one array of NumPy's; PyTorch's state_dict or safetensors is read here" },
  { begins: /^GGUF/, is: "it is GGUF; PyTorch's state_dict or safetensors is read here" },
  { begins: /^\s*[{[]/, is: "it is JSON, as the settings of a model are; its weights are in another file" },
];

const LONGEST = 512; // bytes; tar says at 257 what it is

/** Says what a file is that is no checkpoint, and what to do: "it is empty: get it again"; undefined where that is not known. */
export function foreignText(bytes: Uint8Array): string | undefined {
  const begin = Buffer.from(bytes.subarray(0, LONGEST)).toString("latin1");
  return KINDS.find(({ begins }) => begins.test(begin))?.is;
}
