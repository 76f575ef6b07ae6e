/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions of libduckdb, which is not linked: it is loaded by the process that has dropped its rights, and mapped into no
 * other. A function that is missing here does not link. */
#ifndef CORE_QUERY_DUCKDB_CALLS_H
#define CORE_QUERY_DUCKDB_CALLS_H

#include <duckdb.h>

#include "core/error.h"

/* clang-format off */
#define DUCKDB_CALLS(CALL) \
	CALL(bind_varchar) \
	CALL(close) \
	CALL(column_count) \
	CALL(column_name) \
	CALL(connect) \
	CALL(create_config) \
	CALL(data_chunk_get_size) \
	CALL(data_chunk_get_vector) \
	CALL(destroy_config) \
	CALL(destroy_data_chunk) \
	CALL(destroy_prepare) \
	CALL(destroy_result) \
	CALL(destroy_value) \
	CALL(disconnect) \
	CALL(execute_prepared) \
	CALL(fetch_chunk) \
	CALL(free) \
	CALL(get_list_child) \
	CALL(get_list_size) \
	CALL(get_table_names) \
	CALL(get_varchar) \
	CALL(interrupt) \
	CALL(nparams) \
	CALL(open_ext) \
	CALL(prepare) \
	CALL(prepare_error) \
	CALL(prepared_statement_column_count) \
	CALL(prepared_statement_column_name) \
	CALL(prepared_statement_column_type) \
	CALL(prepared_statement_type) \
	CALL(query) \
	CALL(result_error) \
	CALL(row_count) \
	CALL(set_config) \
	CALL(string_t_data) \
	CALL(string_t_length) \
	CALL(validity_row_is_valid) \
	CALL(value_varchar) \
	CALL(vector_get_data) \
	CALL(vector_get_validity)
/* clang-format on */

struct duckdb_calls {
#define CALL(name) __typeof__(&duckdb_##name) name;
	DUCKDB_CALLS(CALL)
#undef CALL
};

/* Filled once, as the dynamic linker would. */
extern struct duckdb_calls duckdb_calls;

/* 0 or -ENOENT with a sentence. */
int duckdb_calls__load(struct error *err);

#define duckdb_bind_varchar duckdb_calls.bind_varchar
#define duckdb_close duckdb_calls.close
#define duckdb_column_count duckdb_calls.column_count
#define duckdb_column_name duckdb_calls.column_name
#define duckdb_connect duckdb_calls.connect
#define duckdb_create_config duckdb_calls.create_config
#define duckdb_data_chunk_get_size duckdb_calls.data_chunk_get_size
#define duckdb_data_chunk_get_vector duckdb_calls.data_chunk_get_vector
#define duckdb_destroy_config duckdb_calls.destroy_config
#define duckdb_destroy_data_chunk duckdb_calls.destroy_data_chunk
#define duckdb_destroy_prepare duckdb_calls.destroy_prepare
#define duckdb_destroy_result duckdb_calls.destroy_result
#define duckdb_destroy_value duckdb_calls.destroy_value
#define duckdb_disconnect duckdb_calls.disconnect
#define duckdb_execute_prepared duckdb_calls.execute_prepared
#define duckdb_fetch_chunk duckdb_calls.fetch_chunk
#define duckdb_free duckdb_calls.free
#define duckdb_get_list_child duckdb_calls.get_list_child
#define duckdb_get_list_size duckdb_calls.get_list_size
#define duckdb_get_table_names duckdb_calls.get_table_names
#define duckdb_get_varchar duckdb_calls.get_varchar
#define duckdb_interrupt duckdb_calls.interrupt
#define duckdb_nparams duckdb_calls.nparams
#define duckdb_open_ext duckdb_calls.open_ext
#define duckdb_prepare duckdb_calls.prepare
#define duckdb_prepare_error duckdb_calls.prepare_error
#define duckdb_prepared_statement_column_count duckdb_calls.prepared_statement_column_count
#define duckdb_prepared_statement_column_name duckdb_calls.prepared_statement_column_name
#define duckdb_prepared_statement_column_type duckdb_calls.prepared_statement_column_type
#define duckdb_prepared_statement_type duckdb_calls.prepared_statement_type
#define duckdb_query duckdb_calls.query
#define duckdb_result_error duckdb_calls.result_error
#define duckdb_row_count duckdb_calls.row_count
#define duckdb_set_config duckdb_calls.set_config
#define duckdb_string_t_data duckdb_calls.string_t_data
#define duckdb_string_t_length duckdb_calls.string_t_length
#define duckdb_validity_row_is_valid duckdb_calls.validity_row_is_valid
#define duckdb_value_varchar duckdb_calls.value_varchar
#define duckdb_vector_get_data duckdb_calls.vector_get_data
#define duckdb_vector_get_validity duckdb_calls.vector_get_validity

#endif
