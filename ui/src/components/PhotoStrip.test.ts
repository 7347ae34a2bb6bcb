import { mount } from '@vue/test-utils';
import { expect, it } from 'vitest';
import PhotoStrip from './PhotoStrip.vue';

it('a photo that has not been fetched yet is named, and shown once it has arrived', async () => {
  const item = { id: 'p1', name: '实操教室.jpg', kind: 'photo' as const, thumbUrl: '/evidence/a', isHere: false };
  const strip = mount(PhotoStrip, { props: { label: '证据', items: [item] } });
  await strip.find('img').trigger('error');
  expect(strip.find('img').exists()).toBe(false);
  expect(strip.text()).toContain('照片');
  await strip.setProps({ items: [{ ...item, isHere: true }] });
  expect(strip.find('img').exists()).toBe(true);
});
