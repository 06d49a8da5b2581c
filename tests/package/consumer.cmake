# SPDX-License-Identifier: Apache-2.0
add_executable(consumer_crdt "${CMAKE_CURRENT_LIST_DIR}/crdt.cpp")
target_link_libraries(consumer_crdt PRIVATE joinery::crdt)
add_executable(consumer_everything "${CMAKE_CURRENT_LIST_DIR}/everything.cpp")
target_link_libraries(consumer_everything PRIVATE joinery::joinery)
