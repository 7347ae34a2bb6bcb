/**
 * Draws the pages of a PDF. Loaded only when somebody wants to look at one: the library is large.
 *
 * The worker is given as a worker of our own making, not as an address: the library would otherwise wrap it in a
 * blob wherever the window's origin is not one of the web's.
 */
import { getDocument, PDFWorker } from 'pdfjs-dist/legacy/build/pdf.mjs';
import PdfWorker from 'pdfjs-dist/legacy/build/pdf.worker.min.mjs?worker';
import { ApiError } from '@/errors';
import { platform } from '@/platform';

export interface OpenedPdf {
  pages: number;
  /** Height over width of a page; 1 is the first. */
  shape: (page: number) => Promise<number>;
  /** Fills the canvas with a page that is `width` device pixels wide. */
  draw: (page: number, canvas: HTMLCanvasElement, width: number) => Promise<void>;
  close: () => Promise<void>;
}

/** The bytes of a file that the core made. */
async function bytesOf(token: string): Promise<ArrayBuffer> {
  try {
    const response = await fetch(platform.fileUrl(token));
    // The core keeps what it made until the application closes; an older one gives way to newer ones.
    if (!response.ok) throw new ApiError('not_found', { what: 'file' });
    return await response.arrayBuffer();
  } catch (cause) {
    throw ApiError.from(cause);
  }
}

/** Opens a PDF that the core made. */
export async function openPdf(token: string): Promise<OpenedPdf> {
  const data = await bytesOf(token);
  // One for each document: a shared one would be stopped for all of them when the first is closed.
  const port = new PdfWorker();
  // Its types know no port, its documentation does.
  const worker = new PDFWorker({ port: port as unknown as null });
  // The policy of the window allows no evaluated code, and our papers hold neither forms nor scripts.
  const task = getDocument({ data, worker, isEvalSupported: false, enableXfa: false });
  const close = async (): Promise<void> => {
    await task.destroy();
    worker.destroy();
    port.terminate();
  };
  let opened;
  try {
    opened = await task.promise;
  } catch (cause) {
    await close();
    throw new ApiError('bad_file', {}, { cause });
  }
  return {
    pages: opened.numPages,
    async shape(page) {
      const { width, height } = (await opened.getPage(page)).getViewport({ scale: 1 });
      return height / width;
    },
    async draw(page, canvas, width) {
      const found = await opened.getPage(page);
      const viewport = found.getViewport({ scale: width / found.getViewport({ scale: 1 }).width });
      canvas.width = Math.round(viewport.width);
      canvas.height = Math.round(viewport.height);
      await found.render({ canvas, viewport }).promise;
    },
    close,
  };
}
