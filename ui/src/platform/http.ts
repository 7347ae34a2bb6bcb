/** The core behind a local HTTP server as host: for development and tests in a plain browser. */
import type { HostEvent } from '@/bindings/HostEvent';
import { ApiError } from '@/errors';
import type { ChosenFile, EvidenceVariant, FileKind, Platform } from './types';

const KEPT_ALIVE = new Set(['field_set', 'draft_put']);

function evidenceUrl(hash: string, variant: EvidenceVariant): string {
  return `/evidence/${encodeURIComponent(hash)}?size=${variant}`;
}

function fromFile(file: File): ChosenFile {
  return { kind: 'content', file, name: file.name };
}

async function errorOf(response: Response): Promise<ApiError> {
  try {
    return ApiError.from(await response.json());
  } catch {
    // A proxy answered, not the core.
    return new ApiError('host_unreachable', { status: response.status });
  }
}

async function call(input: string, init?: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(input, init);
  } catch (cause) {
    throw new ApiError('host_unreachable', {}, { cause });
  }
  if (!response.ok) throw await errorOf(response);
  return response;
}

function acceptOf(kinds: FileKind[] | undefined): string {
  return (kinds ?? []).flatMap(({ extensions }) => extensions.map((extension) => `.${extension}`)).join(',');
}

function holdsFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes('Files') ?? false;
}

export const httpPlatform: Platform = {
  kind: 'browser',

  async rpc(name, request) {
    const body = JSON.stringify(request ?? null);
    const response = await call(`/rpc/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      // Text that is being written when the window closes still arrives; browsers allow that for small bodies.
      keepalive: KEPT_ALIVE.has(name) && body.length < 16_000,
    });
    return (await response.json()) as unknown;
  },

  onEvent(listener) {
    const source = new EventSource('/events');
    source.onmessage = ({ data }: MessageEvent<string>) => listener(JSON.parse(data) as HostEvent);
    return () => source.close();
  },

  evidenceUrl,

  async evidenceContent(hash, variant) {
    return await (await call(evidenceUrl(hash, variant))).blob();
  },

  openFiles({ kinds, multiple = true }) {
    return new Promise((resolve) => {
      const input = document.createElement('input');
      input.type = 'file';
      input.multiple = multiple;
      input.accept = acceptOf(kinds);
      input.hidden = true;
      const finish = (files: ChosenFile[]): void => {
        input.remove();
        resolve(files);
      };
      input.addEventListener('change', () => finish(Array.from(input.files ?? [], fromFile)));
      input.addEventListener('cancel', () => finish([]));
      // Attached, so that a test can find it.
      document.body.append(input);
      input.click();
    });
  },

  fileUrl(token) {
    return `/files/${encodeURIComponent(token)}`;
  },

  saveFile() {
    // A browser offers no place to choose; `core/files.ts` downloads instead.
    return Promise.resolve(null);
  },

  onFileDrop(listener) {
    const controller = new AbortController();
    const { signal } = controller;
    window.addEventListener(
      'dragover',
      (event) => {
        if (!holdsFiles(event)) return;
        event.preventDefault();
        listener.over?.({ x: event.clientX, y: event.clientY });
      },
      { signal },
    );
    window.addEventListener(
      'dragleave',
      (event) => {
        if (event.relatedTarget === null) listener.over?.(null);
      },
      { signal },
    );
    window.addEventListener(
      'drop',
      (event) => {
        if (!holdsFiles(event)) return;
        event.preventDefault();
        listener.over?.(null);
        const files = Array.from(event.dataTransfer?.files ?? [], fromFile);
        listener.drop(files, { x: event.clientX, y: event.clientY });
      },
      { signal },
    );
    return () => controller.abort();
  },
};
