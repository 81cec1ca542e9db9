"""The report of a search: one page of HTML that needs nothing else, written as the search goes."""

from nao_tf.reports.writer import REPORT_FILE, ReportWriter, rewrite_report, write_report

__all__ = ["REPORT_FILE", "ReportWriter", "rewrite_report", "write_report"]
