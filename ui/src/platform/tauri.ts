/** The desktop shell as host. The only file that may import `@tauri-apps/*`. */
import { convertFileSrc, invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import { getCurrentWebview } from '@tauri-apps/api/webview';
import { open, save } from '@tauri-apps/plugin-dialog';
import type { HostEvent } from '@/bindings/HostEvent';
import { ApiError } from '@/errors';
import type { ChosenFile, EvidenceVariant, FileKind, Platform, Unsubscribe } from './types';

const EVENT = 'shicha';
const EVIDENCE_SCHEME = 'evidence';
const FILE_SCHEME = 'made';

function fromPath(path: string): ChosenFile {
  return { kind: 'path', path, name: path.split(/[\\/]/).pop() ?? path };
}

function filters(kinds: FileKind[] | undefined): { name: string; extensions: string[] }[] {
  return (kinds ?? []).map(({ label, extensions }) => ({ name: label, extensions }));
}

/** A subscription that is made later can still be ended at once. */
function whenReady(subscribing: Promise<Unsubscribe>): Unsubscribe {
  let ended = false;
  let unsubscribe: Unsubscribe | null = null;
  subscribing.then(
    (ready) => {
      if (ended) ready();
      else unsubscribe = ready;
    },
    (cause: unknown) => {
      // Without events the screens would silently show old state.
      throw ApiError.from(cause);
    },
  );
  return () => {
    ended = true;
    unsubscribe?.();
  };
}

function evidenceUrl(hash: string, variant: EvidenceVariant): string {
  return `${convertFileSrc(hash, EVIDENCE_SCHEME)}?size=${variant}`;
}

export const tauriPlatform: Platform = {
  kind: 'desktop',

  async rpc(name, request) {
    try {
      return await invoke('rpc', { name, request });
    } catch (cause) {
      throw ApiError.from(cause);
    }
  },

  onEvent(listener) {
    return whenReady(listen<HostEvent>(EVENT, ({ payload }) => listener(payload)));
  },

  evidenceUrl,

  async evidenceContent(hash, variant) {
    try {
      const response = await fetch(evidenceUrl(hash, variant));
      if (!response.ok) throw new ApiError('evidence_unreadable', { hash });
      return await response.blob();
    } catch (cause) {
      throw ApiError.from(cause);
    }
  },

  async openFiles({ title, kinds, multiple = true }) {
    const chosen = await open({ title, multiple, filters: filters(kinds) });
    if (chosen === null) return [];
    return (Array.isArray(chosen) ? chosen : [chosen]).map(fromPath);
  },

  fileUrl(token) {
    return convertFileSrc(token, FILE_SCHEME);
  },

  async saveFile({ title, suggestedName, kinds }) {
    return await save({ title, defaultPath: suggestedName, filters: filters(kinds) });
  },

  onFileDrop(listener) {
    return whenReady(
      getCurrentWebview().onDragDropEvent(({ payload }) => {
        if (payload.type === 'leave') {
          listener.over?.(null);
          return;
        }
        // Tauri counts physical pixels, the page counts CSS pixels.
        const position = { x: payload.position.x / devicePixelRatio, y: payload.position.y / devicePixelRatio };
        if (payload.type === 'drop') listener.drop(payload.paths.map(fromPath), position);
        else listener.over?.(position);
      }),
    );
  },
};
