/**
 * What differs between two texts, in pieces that a person would name: single Chinese characters, whole words and
 * numbers otherwise.
 */

export interface Piece {
  text: string;
  /** Stands in both texts. */
  same: boolean;
}

export interface Difference {
  before: Piece[];
  after: Piece[];
}

/** Beyond this many comparisons only the common beginning and end are told apart from the rest. */
const MOST_COMPARISONS = 4_000_000;

const TOKEN = /[\p{Script=Han}]|[\p{L}\p{N}_]+|\s+|./gsu;

function tokensOf(text: string): string[] {
  return (text.match(TOKEN) ?? []).flatMap((token) => {
    // Words may hold Chinese characters beside Latin ones.
    return /\p{Script=Han}/u.test(token) ? [...token] : [token];
  });
}

/** Which tokens of either side belong to a longest common subsequence. */
function commonTokens(a: string[], b: string[]): { inA: boolean[]; inB: boolean[] } {
  const inA = a.map(() => false);
  const inB = b.map(() => false);
  if (a.length * b.length > MOST_COMPARISONS) return { inA, inB };
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] =
        a[i] === b[j]
          ? (lengths[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(lengths[(i + 1) * width + j] ?? 0, lengths[i * width + j + 1] ?? 0);
    }
  }
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      inA[i] = true;
      inB[j] = true;
      i += 1;
      j += 1;
    } else if ((lengths[(i + 1) * width + j] ?? 0) >= (lengths[i * width + j + 1] ?? 0)) {
      i += 1;
    } else {
      j += 1;
    }
  }
  return { inA, inB };
}

function piecesOf(tokens: string[], isSame: boolean[]): Piece[] {
  const pieces: Piece[] = [];
  tokens.forEach((token, at) => {
    const last = pieces.at(-1);
    const same = isSame[at] ?? false;
    if (last && last.same === same) last.text += token;
    else pieces.push({ text: token, same });
  });
  return pieces;
}

export function textDifference(before: string, after: string): Difference {
  const a = tokensOf(before);
  const b = tokensOf(after);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const middle = commonTokens(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  const ends = (tokens: string[], inMiddle: boolean[]) =>
    tokens.map((_, at) => at < head || at >= tokens.length - tail || (inMiddle[at - head] ?? false));
  return { before: piecesOf(a, ends(a, middle.inA)), after: piecesOf(b, ends(b, middle.inB)) };
}
