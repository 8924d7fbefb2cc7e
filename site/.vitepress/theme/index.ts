import DefaultTheme from 'vitepress/theme-without-fonts';
// Safe because Vite turns the import of a style sheet into a link.
// oxlint-disable-next-line import/no-unassigned-import
import './style.css';

export default DefaultTheme;
