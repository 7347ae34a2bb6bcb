/** What people compare a paper and a screen by. */

/** The first digits of a content's digest, in groups that can be read aloud. */
export function checkCode(digest: string): string {
  return (digest.slice(0, 16).match(/.{4}/gu) ?? []).join(' ').toUpperCase();
}
