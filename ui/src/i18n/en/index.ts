import common from './common';
import nav from './nav';
import shell from './shell';
import components from './components';
import errors from './errors';
import terms from './terms';
import setup from './setup';
import workbench from './workbench';
import subjects from './subjects';
import inspections from './inspections';
import inspection from './inspection';
import evidence from './evidence';
import findings from './findings';
import documents from './documents';
import finish from './finish';
import record from './record';
import overview from './overview';
import nearby from './nearby';
import sync from './sync';
import packages from './packages';
import conflicts from './conflicts';
import settings from './settings';
import updates from './updates';
import admin from './admin';
import type { Catalogue } from '../catalogue';

/** The English catalogue. */
const messages: Catalogue = {
  common,
  nav,
  shell,
  components,
  errors,
  terms,
  setup,
  workbench,
  subjects,
  inspections,
  inspection,
  evidence,
  findings,
  documents,
  finish,
  record,
  overview,
  nearby,
  sync,
  packages,
  conflicts,
  settings,
  updates,
  admin,
};

export default messages;
