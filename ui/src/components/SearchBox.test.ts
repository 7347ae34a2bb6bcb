import { mount } from '@vue/test-utils';
import { nextTick } from 'vue';
import { describe, expect, it } from 'vitest';
import SearchBox from './SearchBox.vue';

describe('the search box', () => {
  it('keeps the first character that is typed', async () => {
    const box = mount(SearchBox, { props: { modelValue: '', label: '查找' } });
    const field = box.find('input');
    await field.setValue('海');
    await nextTick();
    expect(field.element.value).toBe('海');
  });

  it('shows what was searched for when one comes back, and when somebody else clears it', async () => {
    const box = mount(SearchBox, { props: { modelValue: '海州', label: '查找' } });
    expect(box.find('input').element.value).toBe('海州');
    await box.setProps({ modelValue: '' });
    expect(box.find('input').element.value).toBe('');
  });
});
