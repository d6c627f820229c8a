-- The rules that Railhead has on out of the box, as a site would write them. Lua does not see nodes, so the
-- tables are kept by hand.
local classes = { { nodes = NODES, gpus = { h100 = 8 }, all = 8, cpus = 96, memory = 1000000, features = {} } }
local partitions = { gpu = { default = true, minutes = 1440, default_minutes = 1440, classes = { 1 } } }
local nodes_of = {} -- name -> true, for --nodelist and --exclude

local function known(value)
   if value == nil or value == slurm.NO_VAL or value == slurm.NO_VAL16 or value == slurm.NO_VAL64 then return nil end
   return value
end

local function requested(job)
   local found = {}
   for _, field in ipairs({ "tres_per_job", "tres_per_node", "tres_per_socket", "tres_per_task" }) do
      local text = job[field]
      if text ~= nil and text ~= "" then
         for item in string.gmatch(text, "[^,]+") do
            local rest = string.match(item, "^gres[:/]gpu[:=]?(.*)$") or string.match(item, "^gpu[:=]?(.*)$")
            if rest ~= nil then
               local kind, count = string.match(rest, "^([%a][%w_.]*)[:=]?(%d*)$")
               if kind == nil then count = string.match(rest, "^(%d*)$") end
               table.insert(found, { per = string.sub(field, 10), type = kind, count = tonumber(count) or 1 })
            end
         end
      end
   end
   return found
end

local function words(text)
   local found = {}
   for word in string.gmatch(text or "", "[^,&|%[%]()]+") do table.insert(found, word) end
   return found
end

local function gpus_of(class, kind)
   if kind == nil then return class.all end
   return class.gpus[kind] or 0
end

local function pools(partition)
   local list = {}
   for _, index in ipairs(partition.classes) do
      for name, count in pairs(classes[index].gpus) do
         table.insert(list, name .. " x " .. count .. " on " .. classes[index].nodes .. " nodes")
      end
   end
   return table.concat(list, ", ")
end

local function partition_kind(job, gpus, partition, name)
   local has = false
   for _, index in ipairs(partition.classes) do has = has or classes[index].all > 0 end
   if #gpus > 0 and not has then return true, "GPUs are asked of partition " .. name .. ", which has none" end
   if #gpus == 0 and has then return false, "partition " .. name .. " has GPUs, but none is asked for" end
end

local function gpu_type(job, gpus, partition, name)
   for _, item in ipairs(gpus) do
      local there = item.type == nil
      for _, index in ipairs(partition.classes) do there = there or gpus_of(classes[index], item.type) > 0 end
      if not there then
         return true, string.format("gpu:%s is not in partition %s (has %s)", item.type, name, pools(partition))
      end
   end
end

local function on_one_node(job, item)
   if item.per == "node" or item.per == "socket" then return item.count end
   if item.per == "task" then
      local tasks = known(job.ntasks_per_node) or 1
      if known(job.num_tasks) and job.max_nodes == 1 then tasks = job.num_tasks end
      return item.count * tasks
   end
   local nodes = known(job.max_nodes)
   return nodes and math.ceil(item.count / nodes) or 1
end

local function gpus_per_node(job, gpus, partition, name)
   for _, item in ipairs(gpus) do
      local most = 0
      for _, index in ipairs(partition.classes) do most = math.max(most, gpus_of(classes[index], item.type)) end
      if most > 0 and on_one_node(job, item) > most then
         return true, string.format("%d GPUs per node are more than any node of %s has (%s)", item.count, name, pools(partition))
      end
   end
end

local function gpus_total(job, gpus, partition, name)
   local nodes, wanted = 0, known(job.min_nodes) or 1
   for _, index in ipairs(partition.classes) do nodes = nodes + classes[index].nodes end
   if wanted > nodes then return true, string.format("%d nodes are more than partition %s has (%d)", wanted, name, nodes) end
   for _, item in ipairs(gpus) do
      local total, there = item.count, 0
      if item.per == "node" then total = item.count * wanted end
      if item.per == "task" then total = item.count * (known(job.num_tasks) or 1) end
      for _, index in ipairs(partition.classes) do there = there + gpus_of(classes[index], item.type) * classes[index].nodes end
      if total > there then return true, string.format("%d GPUs are more than partition %s has (%d)", total, name, there) end
   end
end

local function node_shape(job, gpus, partition, name)
   local tasks = known(job.ntasks_per_node) or 1
   local cpus = (known(job.cpus_per_task) or 1) * tasks
   local memory = known(job.min_mem_per_node) or (known(job.min_mem_per_cpu) or 0) * cpus
   local features, fit = words(job.features), 0
   for _, index in ipairs(partition.classes) do
      local class, good = classes[index], true
      for _, feature in ipairs(features) do good = good and class.features[feature] end
      for _, item in ipairs(gpus) do good = good and gpus_of(class, item.type) >= on_one_node(job, item) end
      if good and class.cpus >= cpus and class.memory >= memory then fit = fit + class.nodes end
   end
   for _, node in ipairs(words(job.exc_nodes)) do if nodes_of[node] then fit = fit - 1 end end
   if fit < (known(job.min_nodes) or 1) then
      return true, string.format("no more than %d nodes of %s have what the job asks of each", fit, name)
   end
end

local function conflict(job, gpus)
   local excluded = {}
   for _, node in ipairs(words(job.exc_nodes)) do excluded[node] = true end
   for _, node in ipairs(words(job.req_nodes)) do
      if excluded[node] then return true, node .. " is in both --nodelist and --exclude" end
   end
   local total, each
   for _, item in ipairs(gpus) do
      if item.per == "job" then total = item.count end
      if item.per == "node" then each = item.count end
   end
   local nodes = known(job.max_nodes)
   if total and each and nodes and total > each * nodes then return true, "--gpus is more than --gpus-per-node on all nodes" end
end

local function time_limit(job, gpus, partition, name)
   local minutes = known(job.time_limit)
   if minutes and minutes > partition.minutes then return true, "the time limit is above that of partition " .. name end
   if not minutes and partition.default_minutes < 60 then return false, "no time limit is given, and the default is short" end
end

local function mixed_types(job, gpus)
   local first
   for _, item in ipairs(gpus) do
      if item.type and first and first ~= item.type then return false, "GPUs of several types are asked in one component" end
      first = first or item.type
      if item.type and string.find(item.type, "%dg%.") and (known(job.min_nodes) or 1) > 1 then
         return false, "MIG slices of several nodes do not reach each other"
      end
   end
end

local function uneven(job, gpus, partition)
   if #gpus ~= 1 or gpus[1].per ~= "job" then return end
   local most = 0
   for _, index in ipairs(partition.classes) do most = math.max(most, gpus_of(classes[index], gpus[1].type)) end
   if most == 0 then return end
   local nodes = math.max(known(job.min_nodes) or 1, math.ceil(gpus[1].count / most))
   if nodes > 1 and not (known(job.max_nodes) == nodes and gpus[1].count == nodes * most) then
      return false, "--gpus need not be spread evenly"
   end
end

local function whole_nodes(job, gpus, partition)
   if (known(job.min_nodes) or 1) < 2 or job.shared == 0 or #gpus ~= 1 or gpus[1].per ~= "node" then return end
   for _, index in ipairs(partition.classes) do
      if gpus_of(classes[index], gpus[1].type) == gpus[1].count then return end
   end
   return false, "parts of several nodes need not lie on the same rails"
end

local function gpu_share(job, gpus, partition)
   if #gpus ~= 1 or job.shared == 0 or gpus[1].per ~= "node" then return end
   local cpus = (known(job.cpus_per_task) or 1) * (known(job.ntasks_per_node) or 1)
   for _, index in ipairs(partition.classes) do
      local class = classes[index]
      local there = gpus_of(class, gpus[1].type)
      if there >= gpus[1].count and (there == gpus[1].count or cpus <= math.ceil(class.cpus * gpus[1].count / there)) then return end
   end
   return false, "the CPUs are more than the GPUs' share of a node"
end

local function gpu_visibility(job, gpus)
   local several = known(job.ntasks_per_node) and job.ntasks_per_node > 1
   if not several or string.find(job.tres_bind or "", "none") then return end
   for _, item in ipairs(gpus) do
      if item.per == "task" then return false, "--gpus-per-task hides the GPUs of a node's ranks from each other" end
   end
end

local rules = { partition_kind, gpu_type, gpus_per_node, gpus_total, node_shape, conflict, time_limit, mixed_types, uneven, whole_nodes, gpu_share, gpu_visibility }

function slurm_job_submit(job, part_list, uid)
   local gpus = requested(job)
   local chosen = job.partition
   if chosen == nil or chosen == "" then
      for name, partition in pairs(partitions) do if partition.default then chosen = name end end
   end
   local refusal
   for name in string.gmatch(chosen, "[^,]+") do
      local partition = partitions[name]
      if partition == nil then return slurm.SUCCESS end
      refusal = nil
      for _, rule in ipairs(rules) do
         local refuses, why = rule(job, gpus, partition, name)
         if refuses then
            refusal = why
            break
         elseif why ~= nil then
            slurm.log_user("%s", why)
         end
      end
      if refusal == nil then return slurm.SUCCESS end
   end
   slurm.log_user("%s", refusal)
   return slurm.ERROR
end

function slurm_job_modify(job, record, part_list, uid)
   return slurm.SUCCESS
end

return slurm.SUCCESS
