/** Starts the screens. */
import { createPinia } from 'pinia';
import { createApp } from 'vue';
import App from './App.vue';
import { notifyError } from './components/notify';
import { i18n } from './i18n';
import { router } from './router';
import './styles/index.css';

const app = createApp(App);
app.use(createPinia());
app.use(i18n);
app.use(router);
// What no screen has dealt with is told to the person, never dropped.
app.config.errorHandler = (cause) => {
  notifyError(cause);
  window.reportError(cause);
};
window.addEventListener('unhandledrejection', ({ reason }) => notifyError(reason));

app.mount('#app');
