import { mount, type VueWrapper } from '@vue/test-utils';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nextTick } from 'vue';
import DurableText from './DurableText.vue';

const open: VueWrapper[] = [];

function field(props: Record<string, unknown> = {}) {
  const drafts: string[] = [];
  const commits: string[] = [];
  const wrapper = mount(DurableText, {
    attachTo: document.body,
    props: {
      value: '',
      label: '检查情况',
      draft: async (text: string) => void drafts.push(text),
      commit: async (text: string) => void commits.push(text),
      ...props,
    },
  });
  open.push(wrapper);
  const element = wrapper.get('input, textarea').element as HTMLTextAreaElement;
  const type = (text: string, isComposing = false): void => {
    element.value = text;
    element.dispatchEvent(new InputEvent('input', { bubbles: true, isComposing }));
  };
  return { wrapper, element, drafts, commits, type };
}

async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
  await nextTick();
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(async () => {
  for (const wrapper of open.splice(0)) wrapper.unmount();
  await settle();
  vi.useRealTimers();
});

describe('a field without a save button', () => {
  it('has a label that belongs to it', () => {
    const { wrapper, element } = field();
    expect(wrapper.get('label').attributes('for')).toBe(element.id);
  });

  it('says that the text is saved only after the core has said so', async () => {
    let answer: () => void = () => undefined;
    const { wrapper, type } = field({ draft: () => new Promise<void>((resolve) => (answer = resolve)) });
    type('灭火器');
    await settle();
    expect(wrapper.text()).toContain('正在保存');
    expect(wrapper.text()).not.toContain('已存本机');
    answer();
    await settle();
    expect(wrapper.text()).toContain('已存本机');
  });

  it('keeps the text on the screen when it cannot be saved, and says so', async () => {
    const { wrapper, element, type } = field({ draft: () => Promise.reject({ code: 'disk_full', params: {} }) });
    type('灭火器');
    await settle();
    expect(element.value).toBe('灭火器');
    expect(wrapper.get('[role=alert]').text()).toContain('磁盘空间不足');
  });

  it('commits when the person leaves it', async () => {
    const { element, commits, type } = field();
    element.dispatchEvent(new FocusEvent('focus'));
    type('灭火器过期');
    element.dispatchEvent(new FocusEvent('blur'));
    await settle();
    expect(commits).toEqual(['灭火器过期']);
  });

  it('commits when the screen changes under it', async () => {
    const { wrapper, commits, type } = field();
    type('灭火器过期');
    wrapper.unmount();
    await settle();
    expect(commits).toEqual(['灭火器过期']);
  });

  it('commits when the window goes away', async () => {
    const { commits, type } = field();
    type('灭火器过期');
    window.dispatchEvent(new Event('pagehide'));
    await settle();
    expect(commits).toEqual(['灭火器过期']);
  });

  it('offers again what was typed before the program was killed', async () => {
    const { element, commits } = field({ value: '', unfinished: '灭火器过' });
    expect(element.value).toBe('灭火器过');
    await vi.advanceTimersByTimeAsync(1_500);
    expect(commits).toEqual(['灭火器过']);
  });
});

describe('an input method', () => {
  it('is left alone while it composes, and its result is kept', async () => {
    const { element, drafts, type } = field();
    element.dispatchEvent(new CompositionEvent('compositionstart'));
    type('mie huo', true);
    await settle();
    expect(drafts).toEqual([]);
    element.value = '灭火';
    element.dispatchEvent(new CompositionEvent('compositionend'));
    await settle();
    expect(drafts).toEqual(['灭火']);
  });

  it('is not disturbed when the screen is drawn again in the middle of a composition', async () => {
    const { wrapper, element, type } = field({ value: '旧' });
    element.dispatchEvent(new FocusEvent('focus'));
    element.dispatchEvent(new CompositionEvent('compositionstart'));
    type('旧mie', true);
    await wrapper.setProps({ value: '别人写的', label: '情况' });
    expect(element.value).toBe('旧mie');
  });

  it('loses nothing when the field is left or destroyed before the composition ends', async () => {
    const { wrapper, element, commits, type } = field();
    element.dispatchEvent(new CompositionEvent('compositionstart'));
    type('灭火qi', true);
    wrapper.unmount();
    await settle();
    expect(commits).toEqual(['灭火qi']);
  });
});

describe('a newer value', () => {
  it('is shown when nobody types', async () => {
    const { wrapper, element } = field({ value: '旧' });
    await wrapper.setProps({ value: '新' });
    expect(element.value).toBe('新');
  });

  it('does not replace what is being typed', async () => {
    const { wrapper, element, type } = field({ value: '旧' });
    element.dispatchEvent(new FocusEvent('focus'));
    type('旧的，我写的');
    await wrapper.setProps({ value: '新' });
    await settle();
    expect(element.value).toBe('旧的，我写的');
  });
});
