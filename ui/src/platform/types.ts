/**
 * What the screens need from whatever hosts them.
 *
 * There are two hosts: the desktop shell (`tauri.ts`) and the core behind a local HTTP server (`http.ts`). A
 * screen never knows which one it runs on. Everything fails with an `ApiError`.
 */
import type { HostEvent } from '@/bindings/HostEvent';

export type Unsubscribe = () => void;

/** Which form of a piece of evidence is wanted: the untouched original, or a derived picture. */
export type EvidenceVariant = 'original' | 'thumb' | 'preview';

/**
 * A file that a person chose or dropped. The desktop shell hands over paths, so that a long recording need not
 * pass through the screen; a browser can only hand over the content.
 */
export type ChosenFile =
  | { kind: 'path'; path: string; name: string }
  | { kind: 'content'; file: File; name: string };

export interface FileKind {
  /** Already translated. */
  label: string;
  /** Without the dot. */
  extensions: string[];
}

export interface OpenFilesOptions {
  title: string;
  kinds?: FileKind[];
  multiple?: boolean;
}

export interface SaveFileOptions {
  title: string;
  suggestedName: string;
  kinds?: FileKind[];
}

export interface DropListener {
  /** The pointer is over the window with files (client coordinates), or has left it (`null`). */
  over?(position: { x: number; y: number } | null): void;
  drop(files: ChosenFile[], position: { x: number; y: number }): void;
}

export interface Platform {
  readonly kind: 'desktop' | 'browser';
  /** Calls the core. Rejects with an `ApiError`. */
  rpc(name: string, request: unknown): Promise<unknown>;
  onEvent(listener: (event: HostEvent) => void): Unsubscribe;
  /** An address for `<img>` and `<audio>`. */
  evidenceUrl(hash: string, variant: EvidenceVariant): string;
  /** The bytes: for drawing on a copy. */
  evidenceContent(hash: string, variant: EvidenceVariant): Promise<Blob>;
  /** Resolves with nothing when the person cancels. */
  openFiles(options: OpenFilesOptions): Promise<ChosenFile[]>;
  /** The address of a file that the core made: for showing it, or for a browser to download it. */
  fileUrl(token: string): string;
  /** Asks where a file should go. `null` when the person cancels. Only where `kind` is `desktop`. */
  saveFile(options: SaveFileOptions): Promise<string | null>;
  onFileDrop(listener: DropListener): Unsubscribe;
}
