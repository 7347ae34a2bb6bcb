/** Files into the core and out of it. */
import type { FileOut } from '@/bindings/FileOut';
import type { FileSource } from '@/bindings/FileSource';
import { ApiError } from '@/errors';
import { platform, type ChosenFile, type FileKind } from '@/platform';
import { call } from './call';

/** Well below the core's limit of 1 MiB, and small enough that typing stays fluent beside a long upload. */
const PIECE_BYTES = 384 * 1024;

function toBase64(piece: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => {
      const url = String(reader.result);
      resolve(url.slice(url.indexOf(',') + 1));
    };
    // The file was changed or taken away (a pulled USB stick) since it was chosen.
    reader.onerror = () => reject(new ApiError('bad_file', {}, { cause: reader.error }));
    reader.readAsDataURL(piece);
  });
}

export interface TakeOptions {
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

/** Makes a chosen file known to the core: by its path, or by sending its content piece by piece. */
export async function sourceOf(chosen: ChosenFile, { onProgress, signal }: TakeOptions = {}): Promise<FileSource> {
  if (chosen.kind === 'path') return { from: 'path', path: chosen.path };
  const { file, name } = chosen;
  const { upload } = await call('upload_begin', { name });
  for (let offset = 0; offset < file.size; offset += PIECE_BYTES) {
    signal?.throwIfAborted();
    const data = await toBase64(file.slice(offset, offset + PIECE_BYTES));
    await call('upload_write', { upload, offset, data });
    onProgress?.(Math.min(offset + PIECE_BYTES, file.size), file.size);
  }
  return { from: 'upload', upload };
}

/** A picture that the screen drew, as a file to hand in. */
export function drawnFile(name: string, content: Blob): ChosenFile {
  return { kind: 'content', name, file: new File([content], name, { type: content.type }) };
}

/** Lets the person keep a file that the core made. False when they cancelled. */
export async function keepFile(file: FileOut, title: string, kinds?: FileKind[]): Promise<boolean> {
  if (platform.kind === 'browser') {
    const link = document.createElement('a');
    link.href = platform.fileUrl(file.token);
    link.download = file.name;
    link.click();
    return true;
  }
  const path = await platform.saveFile({ title, suggestedName: file.name, kinds });
  if (path === null) return false;
  await call('file_save', { token: file.token, path });
  return true;
}

/** Opens a file that the core made with the program that the system has for it. */
export async function showFile(file: FileOut): Promise<void> {
  if (platform.kind === 'browser') window.open(platform.fileUrl(file.token), '_blank', 'noopener');
  else await call('file_open', { token: file.token });
}
